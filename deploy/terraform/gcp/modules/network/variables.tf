variable "name" {
  description = "Prefix of all names in this module."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "cidrs" {
  description = "Private addresses of nodes, pods and services."
  type = object({
    nodes    = string
    pods     = string
    services = string
  })
}
