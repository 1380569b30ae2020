variable "name" {
  description = "The folder of the images."
  type        = string
}

variable "images" {
  description = "One repository is made for each."
  type        = set(string)
}

variable "force_delete" {
  description = "Whether `destroy` removes repositories that hold images."
  type        = bool
}
