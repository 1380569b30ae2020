variable "name" {
  description = "Prefix of all names in this module."
  type        = string
}

variable "domain" {
  description = "Domain; each service has a name in it."
  type        = string
}
