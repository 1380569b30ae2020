variable "name" {
  description = "Begins the name of everything here."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "cidrs" {
  description = "The private addresses of nodes, pods and services."
  type = object({
    nodes    = string
    pods     = string
    services = string
  })
}
