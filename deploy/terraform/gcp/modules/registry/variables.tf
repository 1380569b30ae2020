variable "name" {
  description = "Name of the repository for all images."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}
