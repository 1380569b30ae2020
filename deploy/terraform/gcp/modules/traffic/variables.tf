variable "name" {
  description = "Begins the name of everything here."
  type        = string
}

variable "domain" {
  description = "Each service answers at its own name under it."
  type        = string
}
