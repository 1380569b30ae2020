"""Files of texts and labels: read, validated, split."""
