variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "project_id" {
  description = "Project of the service account of the nodes."
  type        = string
}

variable "region" {
  description = "Region; the control plane is in three of its zones."
  type        = string
}

variable "network" {
  description = "The network."
  type        = string
}

variable "subnetwork" {
  description = "The subnetwork of the nodes."
  type        = string
}

variable "release_channel" {
  description = "Release channel: how soon GKE upgrades the cluster."
  type        = string
}

variable "deletion_protection" {
  description = "Whether `destroy` keeps the cluster."
  type        = bool
}
