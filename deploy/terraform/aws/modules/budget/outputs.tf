output "name" {
  description = "Budget in the console."
  value       = aws_budgets_budget.monthly.name
}
