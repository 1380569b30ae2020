output "name" {
  description = "The budget, as the console lists it."
  value       = google_billing_budget.monthly.display_name
}
