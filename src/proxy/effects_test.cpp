#include "proxy/effects.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/defaults.h"
#include "codec/yaml.h"

namespace pintle::proxy {
namespace {

using Configuration = api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration;

TEST(ProxyEffects, WhatDoesNothingIsNamedWhereItDiffers) {
  const auto said = [](const std::string& yaml) {
    Configuration config;
    EXPECT_TRUE(api::decode_value(*codec::parse_yaml(yaml), api::type_of<Configuration>(), &config)) << yaml;
    api::apply_defaults(api::type_of<Configuration>(), &config);
    return settings_without_effect(config);
  };
  EXPECT_TRUE(said("{}").empty());
  EXPECT_TRUE(said("{mode: nftables, ipvs: {syncPeriod: 30s}, conntrack: {min: 5}}").empty());
  EXPECT_EQ(said("{ipvs: {scheduler: rr}, enableProfiling: true, featureGates: {MemoryQoS: true, EventedPLEG: false}}"),
            (std::vector<std::string>{"enableProfiling", "ipvs", "featureGates.MemoryQoS"}));
}

}  // namespace
}  // namespace pintle::proxy
