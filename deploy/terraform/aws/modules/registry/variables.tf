variable "name" {
  description = "Folder of the images."
  type        = string
}

variable "images" {
  description = "Names of the images; each gets a repository."
  type        = set(string)
}

variable "force_delete" {
  description = "Whether `destroy` removes repositories with images."
  type        = bool
}
