#include "apiserver/admission/sequence.h"

#include <gtest/gtest.h>

#include "apiserver/authentication/testing/fake_reader.h"

namespace pintle::apiserver::admission {
namespace {

// Notes when it is asked; asks for another round in the first one if `late`.
class Noting : public AdmissionPlugin {
 public:
  Noting(std::string name, std::string& log, bool late) : name_(std::move(name)), log_(log), late_(late) {}
  std::string_view name() const override { return name_; }
  bool handles(Operation) const override { return true; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    log_ += name_ + (a.reinvocation->again ? "2 " : "1 ");
    if (late_) a.reinvocation->wanted = true;
    return Unit{};
  }

 private:
  const std::string name_;
  std::string& log_;
  const bool late_;
};

std::string rounds(bool late) {
  std::string log;
  std::vector<std::unique_ptr<AdmissionPlugin>> plugins;
  plugins.push_back(std::make_unique<Noting>("a", log, false));
  plugins.push_back(std::make_unique<Noting>("b", log, late));
  const AdmissionSequence sequence(std::move(plugins));
  AdmissionAttributes a;
  EXPECT_TRUE(testing::now(sequence.admit(rt::Context::background(), a)));
  EXPECT_EQ(a.reinvocation, nullptr);
  return log;
}

TEST(AdmissionSequence, OneMoreRoundForWhoWantsIt) {
  EXPECT_EQ(rounds(false), "a1 b1 ");
  EXPECT_EQ(rounds(true), "a1 b1 a2 b2 ");
}

TEST(AuditAnnotations, AreBounded) {
  AuditAnnotations annotations;
  EXPECT_TRUE(annotations.add("k", "v"));
  EXPECT_TRUE(annotations.add("k", "v"));
  EXPECT_FALSE(annotations.add("k", "w")) << "the first value stays";
  EXPECT_EQ(annotations.all().at("k").value, "v");
  EXPECT_FALSE(annotations.add("big", std::string(AuditAnnotations::bytes_max, 'x')));
  EXPECT_EQ(annotations.all().size(), 1u);
}

}  // namespace
}  // namespace pintle::apiserver::admission
