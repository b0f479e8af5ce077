#include "component/feature_metrics.h"

#include "component/metrics.h"

namespace pintle::component {

namespace {

// A feature that is there for good has no stage.
std::string_view stage_label(FeatureStage stage) {
  switch (stage) {
    case FeatureStage::Alpha: return "ALPHA";
    case FeatureStage::Beta: return "BETA";
    case FeatureStage::Deprecated: return "DEPRECATED";
    case FeatureStage::GA: break;
  }
  return "";
}

}  // namespace

void write_feature_metrics(std::string& out, const FeatureGates& gates) {
  constexpr std::string_view name = "kubernetes_feature_enabled";
  constexpr std::string_view labels[] = {"name", "stage"};
  metrics::write_head(out, name, "1 where a feature is on.", "gauge");
  for (const FeatureSpec& feature : known_features()) {
    const std::string values[] = {std::string(feature.name), std::string(stage_label(feature.stage))};
    metrics::write_sample(out, name, labels, values, gates.enabled(feature.name) ? 1 : 0);
  }
}

}  // namespace pintle::component
