variable "domain" {
  description = "Domain; each service has a name in it."
  type        = string
}
