# A warning, not a limit: Google stops nothing, and its figures are hours old.

resource "google_billing_budget" "monthly" {
  billing_account = var.billing_account
  display_name    = "${var.name}-monthly"

  budget_filter {
    projects        = ["projects/${var.project_number}"]
    calendar_period = "MONTH"
  }

  amount {
    specified_amount {
      currency_code = var.currency
      units         = tostring(var.amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = {
      half     = { basis = "CURRENT_SPEND", share = 0.5 }
      most     = { basis = "CURRENT_SPEND", share = 0.9 }
      forecast = { basis = "FORECASTED_SPEND", share = 1.0 }
    }

    content {
      spend_basis       = threshold_rules.value.basis
      threshold_percent = threshold_rules.value.share
    }
  }
}
