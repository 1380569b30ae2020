variable "name" {
  description = "Prefix of all names in this module."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the nodes; each gets an address of the file system."
  type        = map(string)
}

variable "node_security_group_id" {
  description = "Security group that may connect."
  type        = string
}
