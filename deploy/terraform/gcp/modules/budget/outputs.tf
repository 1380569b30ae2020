output "name" {
  description = "Budget in the console."
  value       = google_billing_budget.monthly.display_name
}
