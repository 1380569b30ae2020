variable "name" {
  description = "Prefix of all names in this module."
  type        = string
}

variable "region" {
  description = "Region, for the name of its S3 service."
  type        = string
}

variable "cidr" {
  description = "Private addresses, a /16."
  type        = string
}

variable "zones" {
  description = "Availability zones."
  type        = list(string)
}
