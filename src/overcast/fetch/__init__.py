"""Raw files from a public address or a mirror: archives, unpacked with bounds, checked file by file."""
