variable "name" {
  description = "Name of the system; prefix of the names of all resources."
  type        = string
  default     = "pinned-ml"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "The name has 3 to 20 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "account_id" {
  description = "Account of all resources. Credentials of another account are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account has 12 digits."
  }
}

variable "region" {
  description = "The region, such as eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region reads like eu-central-1."
  }
}

variable "zones" {
  description = "Availability zones of the nodes, two or three of the region."
  type        = list(string)

  validation {
    condition     = length(distinct(var.zones)) == length(var.zones) && contains([2, 3], length(var.zones))
    error_message = "Name two or three different zones: with one, a zone that fails takes everything along."
  }

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "The zones have to lie in the region."
  }
}

variable "cidr" {
  description = "The private addresses of the network, a /16."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && endswith(var.cidr, "/16")
    error_message = "The network is a /16, such as 10.40.0.0/16."
  }
}

variable "control_plane_cidrs" {
  description = <<-TEXT
    Addresses that may reach the control plane over the internet, in addition to those inside the
    network. Every request needs an identity of AWS. The runners of GitHub have no fixed addresses:
    the deploy workflow needs ["0.0.0.0/0"], or a runner of your own inside the network and [].
  TEXT
  type        = list(string)

  validation {
    condition     = alltrue([for cidr in var.control_plane_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Each is a CIDR block, such as 203.0.113.0/24."
  }
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes. AWS charges more after the end of standard support."
  type        = string
  default     = "1.35"

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "A minor version reads like 1.35."
  }
}

variable "nodes" {
  description = "Managed node group: machine types of one architecture, minimum and maximum number of nodes."
  type = object({
    types   = optional(list(string), ["m6i.xlarge"])
    minimum = optional(number, 2)
    maximum = optional(number, 4)
    disk_gb = optional(number, 50)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.nodes.minimum >= 2 && var.nodes.maximum >= var.nodes.minimum
    error_message = "At least two nodes, so that a replica is left when one is drained, and a maximum that is not smaller."
  }

  validation {
    condition     = var.nodes.disk_gb >= 30
    error_message = "The images of the services and what they unpack need 30 GB or more."
  }
}

variable "domain" {
  description = "Domain of the services, such as ml.example.org for SERVICE.ml.example.org."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "A domain reads like ml.example.org, without a wildcard."
  }
}

variable "namespace" {
  description = "Namespace of the services, as in the overlay."
  type        = string
  default     = "ml-services"
}

variable "model_readers" {
  description = "Kubernetes service accounts that read models; those of ../services.json by default."
  type        = set(string)
  default     = null
}

variable "model_writers" {
  description = "Kubernetes service accounts of training jobs, which read models and add new ones."
  type        = set(string)
  default     = ["trainer"]

  validation {
    condition     = length(setintersection(local.model_readers, var.model_writers)) == 0
    error_message = "A service account reads or writes: what serves must not be able to write models."
  }
}

variable "images" {
  description = "Names of the images in the registry; those of ../services.json by default."
  type        = set(string)
  default     = null
}

variable "prediction_log_bucket" {
  description = "Name of an existing bucket for prediction logs, which model_readers may write; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.prediction_log_bucket != module.models.bucket
    error_message = "The bucket of the models is no place for logs: what serves must not be able to write models."
  }
}

variable "github_repository" {
  description = "GitHub repository whose workflows may push and deploy, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "A repository reads like owner/name."
  }
}

variable "github_environments" {
  description = "GitHub environments whose jobs may push images, and those whose jobs may deploy."
  type = object({
    release = optional(string, "release-eks")
    deploy  = optional(string, "eks")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.github_environments.release != var.github_environments.deploy
    error_message = "Pushing and deploying are two identities, so they need two environments."
  }
}

variable "github_oidc_provider_arn" {
  description = "Existing identity provider of the account for GitHub; an account can have only one."
  type        = string
  default     = null
}

variable "budget" {
  description = "Monthly amount in US dollars for a warning, and its recipients."
  type = object({
    amount = number
    emails = list(string)
  })

  validation {
    condition     = var.budget.amount > 0 && length(var.budget.emails) > 0
    error_message = "A budget warns somebody, of an amount above zero."
  }
}

variable "deletion_protection" {
  description = "Whether `destroy` keeps a bucket with models and repositories with images."
  type        = bool
  default     = true
}
