// A client's configuration, as the SDK sets it.
#include <alibabacloud/oss/client/ClientConfiguration.h>

namespace AlibabaCloud {
namespace OSS {

namespace {

// Stands for the strategy that the SDK gives to every configuration.
class StandardStrategy : public RetryStrategy {
public:
    bool shouldRetry(const Error &, long) const override { return false; }
    long calcDelayTimeMs(const Error &, long) const override { return 0; }
};

} // namespace

ClientConfiguration::ClientConfiguration()
    : userAgent("aliyun-sdk-cpp/" ALIBABACLOUD_OSS_VERSION_STR " (shape)"), scheme(Http::HTTP),
      maxConnections(16), requestTimeoutMs(10000), connectTimeoutMs(5000),
      retryStrategy(std::make_shared<StandardStrategy>()), proxyScheme(Http::HTTP), proxyPort(0),
      verifySSL(true), isCname(false), enableCrc64(true), enableDateSkewAdjustment(true),
      isPathStyle(false), isVerifyObjectStrict(true), signatureVersion(SignatureVersionType::V1) {}

} // namespace OSS
} // namespace AlibabaCloud
