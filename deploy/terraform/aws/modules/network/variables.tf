variable "name" {
  description = "Begins the name of everything here."
  type        = string
}

variable "region" {
  description = "The region, for the name of its S3 service."
  type        = string
}

variable "cidr" {
  description = "The private addresses, a /16."
  type        = string
}

variable "zones" {
  description = "The availability zones."
  type        = list(string)
}
