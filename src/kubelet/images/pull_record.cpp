#include "kubelet/images/pull_record.h"

#include <algorithm>

namespace pintle::kubelet::images {

namespace {

bool is_same_object(const ImagePullSecret& a, const ImagePullSecret& b) { return a.uid == b.uid && a.namespace_ == b.namespace_ && a.name == b.name; }
bool is_same_content(const ImagePullSecret& a, const ImagePullSecret& b) {
  return !a.credential_hash.empty() && a.credential_hash == b.credential_hash;
}

bool add_secret(std::vector<ImagePullSecret>& secrets, const ImagePullSecret& secret) {
  const auto known = std::ranges::find_if(secrets, [&](const auto& one) { return is_same_object(one, secret); });
  if (known != secrets.end()) {
    const bool changed = known->credential_hash != secret.credential_hash;
    known->credential_hash = secret.credential_hash;
    return changed;
  }
  if (secrets.size() >= record_secrets_max) secrets.erase(secrets.begin());
  secrets.push_back(secret);
  return true;
}

bool is_same(const ImagePullServiceAccount& a, const ImagePullServiceAccount& b) {
  return a.uid == b.uid && a.namespace_ == b.namespace_ && a.name == b.name;
}

bool add_account(std::vector<ImagePullServiceAccount>& accounts, const ImagePullServiceAccount& account) {
  if (std::ranges::any_of(accounts, [&](const auto& one) { return is_same(one, account); })) return false;
  if (accounts.size() >= record_secrets_max) accounts.erase(accounts.begin());
  accounts.push_back(account);
  return true;
}

}  // namespace

bool add_credentials(ImagePulledRecord& record, std::string_view image_name, const ImagePullCredentials& credentials) {
  if (!credentials.node_pods_accessible && credentials.kubernetes_secrets.empty() && credentials.kubernetes_service_accounts.empty()) return false;
  if (!record.credential_mapping.contains(image_name) && record.credential_mapping.size() >= record_names_max) record.credential_mapping.clear();
  ImagePullCredentials& known = record.credential_mapping[std::string(image_name)];
  if (known.node_pods_accessible) return false;
  if (credentials.node_pods_accessible) {
    known = credentials;
    return true;
  }
  bool changed = false;
  for (const ImagePullSecret& secret : credentials.kubernetes_secrets) changed |= add_secret(known.kubernetes_secrets, secret);
  for (const ImagePullServiceAccount& account : credentials.kubernetes_service_accounts)
    changed |= add_account(known.kubernetes_service_accounts, account);
  return changed;
}

bool depends_on_credentials(const ImagePulledRecord& record, std::string_view image_name) {
  const ImagePullCredentials* known = record.credential_mapping.get(image_name);
  return known && !known->node_pods_accessible && !(known->kubernetes_secrets.empty() && known->kubernetes_service_accounts.empty());
}

Access access_of(const ImagePulledRecord& record, std::string_view image_name, const PodCredentials& mine) {
  const ImagePullCredentials* known = record.credential_mapping.get(image_name);
  if (!known) return {};
  if (known->node_pods_accessible) return {true, nullptr};
  const bool learns = known->kubernetes_secrets.size() < record_matches_max;
  for (const ImagePullSecret& secret : mine.secrets) {
    for (const ImagePullSecret& one : known->kubernetes_secrets) {
      const bool same_object = is_same_object(one, secret);
      if (is_same_content(one, secret)) return {true, learns && !same_object ? &secret : nullptr};
      if (same_object && learns) return {true, &secret};
    }
  }
  const bool knows_account = mine.service_account && std::ranges::any_of(known->kubernetes_service_accounts,
                                                                         [&](const auto& one) { return is_same(one, *mine.service_account); });
  return {knows_account, nullptr};
}

}  // namespace pintle::kubelet::images
