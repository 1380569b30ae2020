variable "name" {
  description = "The name of the budget."
  type        = string
}

variable "project_number" {
  description = "The project whose costs count."
  type        = string
}

variable "billing_account" {
  description = "The account that is billed; its administrators are told."
  type        = string
}

variable "amount" {
  description = "A whole amount a month."
  type        = number
}

variable "currency" {
  description = "The currency of the billing account."
  type        = string
}
