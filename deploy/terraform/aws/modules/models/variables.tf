variable "bucket" {
  description = "The name of the bucket; bucket names are unique in the world."
  type        = string
}

variable "force_destroy" {
  description = "Whether `destroy` removes a bucket that holds models."
  type        = bool
}
