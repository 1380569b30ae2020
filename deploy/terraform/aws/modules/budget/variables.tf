variable "name" {
  description = "The name of the budget."
  type        = string
}

variable "amount" {
  description = "US dollars a month."
  type        = number
}

variable "emails" {
  description = "Who is told."
  type        = list(string)
}
