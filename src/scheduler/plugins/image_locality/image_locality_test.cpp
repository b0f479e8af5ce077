#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

constexpr int64_t mb = 1024 * 1024;
std::string image(const std::string& name, int64_t megabytes) { return " image=" + name + "=" + std::to_string(megabytes * mb); }
void check_score(const Scene& scene, const std::string& spec, const std::string& want) {
  EXPECT_EQ(scene.score("ImageLocality", pod_of("p", spec)), want) << spec;
}

// From 23 MB (0) to 1000 MB a container (100), each image weighed by the share of the nodes that hold it.
TEST(ImageLocality, ByWhatIsThere) {
  const Scene scene = Scene().node("n1" + image("big:1", 1000)).node("n2" + image("small:1", 40)).node("n3");
  check_score(scene, "{containers: [{name: c, image: 'none:1'}]}", "skip");
  check_score(scene, "{containers: [{name: c, image: 'big:1'}]}", "n1=31 n2=0 n3=0");   // 1000/3 - 23 of 977
  check_score(scene, "{containers: [{name: c, image: 'small:1'}]}", "n1=0 n2=0 n3=0");  // 13 MB: below what counts
  check_score(scene, "{initContainers: [{name: i, image: 'big:1'}], containers: [{name: c, image: 'none:1'}]}", "n1=15 n2=0 n3=0");
}

TEST(ImageLocality, SpreadImagesWeighMore) {
  const Scene scene = Scene().node("n1" + image("big:1", 1000)).node("n2" + image("big:1", 1000));
  check_score(scene, "{containers: [{name: c, image: 'big:1'}]}", "n1=100 n2=100");
  const Scene huge = Scene().node("n1" + image("big:1", 9000));
  check_score(huge, "{containers: [{name: c, image: 'big:1'}]}", "n1=100");
}

TEST(ImageLocality, NamesWithoutATagAreLatest) {
  const Scene scene = Scene().node("n1" + image("registry.example:5000/app:latest", 1000));
  check_score(scene, "{containers: [{name: c, image: 'registry.example:5000/app'}]}", "n1=100");
  check_score(scene, "{containers: [{name: c, image: 'registry.example:5000/app:2'}]}", "skip");
}

}  // namespace
}  // namespace pintle::scheduler::plugins
