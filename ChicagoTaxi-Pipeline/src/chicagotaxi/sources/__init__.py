"""Where trips come from: file formats, dialects, columns, and the download from the portal."""
