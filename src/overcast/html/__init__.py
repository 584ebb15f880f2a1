"""The page kit: one template, one style sheet, one palette, figures and thumbnails; arrays in, a page out."""
