variable "name" {
  description = "Prefix of the names of all roles."
  type        = string
}

variable "cluster_name" {
  description = "The cluster."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the cluster, for policies."
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

variable "bucket_arn" {
  description = "Bucket of the models."
  type        = string
}

variable "prediction_log_bucket" {
  description = "Bucket of the prediction logs; null for none."
  type        = string
  default     = null
}

variable "key_arn" {
  description = "Key that encrypts the models."
  type        = string
}

variable "repository_arns" {
  description = "Repositories of the images."
  type        = list(string)
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

variable "github_oidc_provider_arn" {
  description = "Identity provider of the account for GitHub; null creates one."
  type        = string
  default     = null
}
