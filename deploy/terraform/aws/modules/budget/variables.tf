variable "name" {
  description = "The name of the budget."
  type        = string
}

variable "amount" {
  description = "US dollars a month."
  type        = number
}

variable "emails" {
  description = "E-mail addresses for the warnings."
  type        = list(string)
}
