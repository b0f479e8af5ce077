#include "cni/conflist.h"

#include <gtest/gtest.h>

namespace pintle::cni {
namespace {

TEST(Conflist, OneFamily) {
  const auto text = conflist({.pod_cidrs = {"10.244.1.0/24"}, .mtu = 1450, .data_dir = "/data/leases"});
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, R"({
  "cniVersion": "0.4.0",
  "name": "pintle",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "pintle0",
      "isGateway": true,
      "forceAddress": true,
      "ipMasq": false,
      "hairpinMode": true,
      "mtu": 1450,
      "ipam": {
        "type": "host-local",
        "ranges": [
          [
            {
              "subnet": "10.244.1.0/24"
            }
          ]
        ],
        "routes": [
          {
            "dst": "0.0.0.0/0"
          }
        ],
        "dataDir": "/data/leases"
      }
    },
    {
      "type": "portmap",
      "capabilities": {
        "portMappings": true
      },
      "snat": true
    }
  ]
}
)");
}

TEST(Conflist, TwoFamiliesWithoutPortMappings) {
  const auto text = conflist({.pod_cidrs = {"10.244.1.0/24", "fd00:1::/64"}, .port_mappings = false});
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("\"subnet\": \"fd00:1::/64\""), std::string::npos);
  EXPECT_NE(text->find("\"dst\": \"::/0\""), std::string::npos);
  EXPECT_EQ(text->find("portmap"), std::string::npos);
  EXPECT_EQ(text->find("mtu"), std::string::npos);
}

TEST(Conflist, BadRanges) {
  EXPECT_FALSE(conflist({}));
  EXPECT_FALSE(conflist({.pod_cidrs = {"10.244.1.0/40"}}));
  EXPECT_FALSE(conflist({.pod_cidrs = {"\"},"}}));
}

}  // namespace
}  // namespace pintle::cni
