"""Files and tables of customers: read, validated, written."""
