"""Any picture, sound, table or text file as an array, or one short reason why not."""
