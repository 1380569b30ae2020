variable "name" {
  description = "Begins the name of every role."
  type        = string
}

variable "cluster_name" {
  description = "The cluster."
  type        = string
}

variable "cluster_arn" {
  description = "The cluster, for policies."
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

variable "bucket_arn" {
  description = "The bucket of the models."
  type        = string
}

variable "key_arn" {
  description = "The key that the models are encrypted with."
  type        = string
}

variable "repository_arns" {
  description = "The repositories of the images."
  type        = list(string)
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

variable "github_oidc_provider_arn" {
  description = "The account's identity provider for GitHub; null makes one."
  type        = string
  default     = null
}
