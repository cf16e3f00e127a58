"""What everybody may use: text from outside, checked reading, whole files, parts of packages."""
