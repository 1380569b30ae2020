"""From raw trips to clean trips and hourly demand."""
