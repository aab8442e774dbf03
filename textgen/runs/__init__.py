"""What lies between training and writing: the run directory, its files, and how any file is read and written."""
