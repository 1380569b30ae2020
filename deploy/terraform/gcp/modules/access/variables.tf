variable "name" {
  description = "Prefix of the names of all identities."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "project_number" {
  description = "Number of the project, a part of the names of identities."
  type        = string
}

variable "namespace" {
  description = "The namespace of the services."
  type        = string
}

variable "model_readers" {
  description = "Service accounts that read models."
  type        = set(string)
}

variable "model_writers" {
  description = "Service accounts that read and add models."
  type        = set(string)
}

variable "bucket" {
  description = "Bucket of the models."
  type        = string
}

variable "prediction_log_bucket" {
  description = "Bucket of the prediction logs; null for none."
  type        = string
  default     = null
}

variable "registry" {
  description = "The repository of the images."
  type        = string
}

variable "registry_location" {
  description = "The region of the repository."
  type        = string
}

variable "github_repository" {
  description = "GitHub repository whose workflows push and deploy."
  type        = string
}

variable "github_environments" {
  description = "GitHub environments for pushing and for deploying."
  type = object({
    release = string
    deploy  = string
  })
}
