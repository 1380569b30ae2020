"""What tests of sealed models need."""
