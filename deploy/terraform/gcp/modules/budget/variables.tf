variable "name" {
  description = "The name of the budget."
  type        = string
}

variable "project_number" {
  description = "Project of the budget."
  type        = string
}

variable "billing_account" {
  description = "Billing account; its administrators get the warnings."
  type        = string
}

variable "amount" {
  description = "Amount for each month, an integer."
  type        = number
}

variable "currency" {
  description = "The currency of the billing account."
  type        = string
}
