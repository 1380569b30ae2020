variable "domain" {
  description = "Each service answers at its own name under it."
  type        = string
}
