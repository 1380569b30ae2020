variable "name" {
  description = "The name of the repository of all images."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}
