variable "bucket" {
  description = "Name of the bucket, unique in the world."
  type        = string
}

variable "force_destroy" {
  description = "Whether `destroy` removes a bucket with models."
  type        = bool
}
