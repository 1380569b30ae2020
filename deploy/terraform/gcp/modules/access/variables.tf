variable "name" {
  description = "Begins the name of every identity."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "project_number" {
  description = "The project's number, which is in the names of identities."
  type        = string
}

variable "namespace" {
  description = "The namespace of the services."
  type        = string
}

variable "model_readers" {
  description = "The service accounts that read models."
  type        = set(string)
}

variable "model_writers" {
  description = "The service accounts that read and add models."
  type        = set(string)
}

variable "bucket" {
  description = "The bucket of the models."
  type        = string
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
  description = "The repository whose workflows push and deploy."
  type        = string
}

variable "github_environments" {
  description = "The GitHub environments whose jobs push, and deploy."
  type = object({
    release = string
    deploy  = string
  })
}
