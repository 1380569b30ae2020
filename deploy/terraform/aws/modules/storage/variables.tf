variable "name" {
  description = "Begins the name of everything here."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Where the nodes are: each subnet gets an address of the file system."
  type        = map(string)
}

variable "node_security_group_id" {
  description = "Who may connect."
  type        = string
}
