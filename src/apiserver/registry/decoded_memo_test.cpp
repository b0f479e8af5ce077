#include "apiserver/registry/decoded_memo.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/gen/core_v1.h"
#include "storage/cache/test_codec.h"

namespace pintle::apiserver::registry {
namespace {

namespace core = api::core_v1;
using storage::CachedObject;
using storage::CachedObjectPtr;

struct DecodedMemoWorld {
  CachedObjectPtr object(const std::string& name, int64_t revision, std::size_t bytes = 0) const {
    storage::KeyValue stored;
    stored.key = "/registry/namespaces/" + name;
    stored.mod_revision = revision;
    stored.value = Bytes("|" + std::string(bytes, 'x'));
    auto loaded = codec->load(stored);
    EXPECT_TRUE(loaded);
    return std::make_shared<const CachedObject>(*codec, stored, std::move(*loaded));
  }
  Result<DecodedMemo::Decoded> get(const CachedObjectPtr& object) {
    return memo.get(object, [this](const CachedObject& what) -> Result<api::Object> {
      ++decoded;
      if (what.header().name == "broken") return bad_request("broken");
      core::Namespace made;
      made.metadata.name = what.header().name;
      made.metadata.resource_version = std::to_string(what.revision());
      return api::Object::of<core::Namespace>(std::move(made));
    });
  }

  std::shared_ptr<const storage::TestCodec> codec = std::make_shared<const storage::TestCodec>();
  DecodedMemo memo;
  int decoded = 0;
};

TEST(DecodedMemo, DecodesAnObjectOnceUntilItChanges) {
  DecodedMemoWorld world;
  const CachedObjectPtr first = world.object("a", 1);
  const auto seen = world.get(first);
  ASSERT_TRUE(seen);
  EXPECT_EQ((*seen)->as<core::Namespace>().metadata.name, "a");
  EXPECT_EQ(*world.get(first), *seen);
  EXPECT_EQ(world.decoded, 1);

  const CachedObjectPtr second = world.object("a", 2);
  EXPECT_EQ((*world.get(second))->as<core::Namespace>().metadata.resource_version, "2");
  EXPECT_EQ((*seen)->as<core::Namespace>().metadata.resource_version, "1") << "whoever holds the last form keeps it";
  EXPECT_EQ(world.decoded, 2);
  EXPECT_EQ(first.use_count(), 1) << "the next form of an object lets go of the last";
}

TEST(DecodedMemo, KeepsNeitherWhatIsLargeNorWhatCannotBeRead) {
  DecodedMemoWorld world;
  const CachedObjectPtr large = world.object("large", 1, DecodedMemo::object_bytes_max);
  const CachedObjectPtr broken = world.object("broken", 1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(world.get(large));
    EXPECT_FALSE(world.get(broken));
  }
  EXPECT_EQ(world.decoded, 4);
  EXPECT_EQ(large.use_count(), 1);
  EXPECT_EQ(broken.use_count(), 1);
}

TEST(DecodedMemo, KeepsABoundedNumber) {
  DecodedMemoWorld world;
  std::vector<CachedObjectPtr> objects;
  for (int i = 0; i < 4 * static_cast<int>(DecodedMemo::slots); ++i) {
    objects.push_back(world.object("n" + std::to_string(i), i + 1));
    ASSERT_TRUE(world.get(objects.back()));
  }
  const auto kept = std::count_if(objects.begin(), objects.end(), [](const CachedObjectPtr& object) { return object.use_count() > 1; });
  EXPECT_LE(kept, static_cast<std::ptrdiff_t>(DecodedMemo::slots));
  EXPECT_GT(kept, 0);
}

}  // namespace
}  // namespace pintle::apiserver::registry
