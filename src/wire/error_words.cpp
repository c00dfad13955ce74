// The table that maps providers' error codes and messages to error classes. Order matters: first messages that
// contradict their code, then codes, then messages, then codes so general that any status says more.
//
// Sources, in the order of their first row:
//   dashscope   alibabacloud.com/help/en/model-studio/error-code
//   lmstudio    lmstudio.ai/docs; github.com/lmstudio-ai/lmstudio-bug-tracker
//   bedrock     docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
//   mistral     docs.mistral.ai/api; github.com/mistralai/client-python; github.com/BerriAI/litellm/pull/25078
//   openrouter  openrouter.ai/docs/api-reference/errors, …/api-reference/limits
//   openai      developers.openai.com/api/docs/guides/error-codes, …/guides/rate-limits
//   groq        console.groq.com/docs/errors, …/docs/spend-limits
//   kimi        platform.moonshot.ai/docs/api/errors; github.com/MoonshotAI/kimi-code/pull/1857
//   anthropic   docs.claude.com/en/api/errors
//   zhipu       docs.bigmodel.cn/cn/api/api-code, …/cn/api/rate-limit; docs.z.ai/api-reference/api-code
//   minimax     platform.minimax.io/docs/api-reference/errorcode
//   oneapi      github.com/songquanpeng/one-api, github.com/QuantumNous/new-api
//   litellm     docs.litellm.ai/docs/exception_mapping, …/proxy/users
//   ark         volcengine.com/docs/82379/1299023
//   siliconflow docs.siliconflow.cn/cn/faqs/error-code
//   novita      novita.ai/docs/api-reference/basic-error-code
//   xai         docs.x.ai/docs/key-information/debugging; github.com/continuedev/continue/issues/10373
//   google      ai.google.dev/gemini-api/docs/troubleshooting; cloud.google.com/apis/design/errors;
//               github.com/google-gemini/gemini-cli/issues/26633
//   azure       learn.microsoft.com/azure/ai-foundry/openai/quotas-limits, …/concepts/content-filter
//   cerebras    inference-docs.cerebras.ai/support/error
//   vllm        github.com/vllm-project/vllm (entrypoints/openai)
//   llamacpp    github.com/ggml-org/llama.cpp (tools/server)
//   tgi         github.com/huggingface/text-generation-inference (router/src)
//   ollama      github.com/ollama/ollama/blob/main/docs/api.md
#include "wire/error_words.hpp"

namespace holysheep::wire {
namespace {

using enum ErrorCode;
constexpr auto kCode = ErrorWord::In::code;
constexpr auto kSays = ErrorWord::In::message;

constexpr Statuses at(int a, int b = -1, int c = -1, int d = -1, int e = -1, int f = -1, int g = -1, int h = -1) {
    return {{a, b, c, d, e, f, g, h}};
}
constexpr Statuses kRefusals = at(0, 400, 403, 413, 422, 500);  // not 429: rate limit messages mention tokens, too
constexpr Statuses kForbidden = at(0, 400, 401, 403, 429);
constexpr Statuses kPace = at(0, 400, 403, 429);
constexpr Statuses kFlattened = at(0, 400, 500);  // statuses that relays send in place of any other
constexpr Statuses kSilent = at(0);               // only without a status, which would say more

constexpr ErrorWord kErrorWords[] = {
    // Messages that contradict the code in the same body.
    {rate_limited, kSays, "allocated quota exceeded"},  // dashscope, with the code for an empty account
    {rate_limited, kSays, "error-code#token-limit"},
    {rate_limited, kSays, "error-code#rate-limit"},
    {rate_limited, kSays, "please wait before trying again", kPace},       // bedrock, with "too many tokens": a rate
    {rate_limited, kCode, "service_tier_capacity_exceeded", kPace},        // mistral
    {rate_limited, kSays, "service tier capacity exceeded", kPace},        // mistral, with `invalid_request_error`
    {invalid_request, kSays, "unexpected endpoint or method"},             // lmstudio, inside a 200
    {rate_limited, kCode, "openrouter_in_flight_budget"},                  // openrouter, inside a 402: temporary
    {request_too_large, kSays, "request too large for", at(0, 413, 429)},  // openai, groq: exceeds a minute's tokens
    {insufficient_quota, kSays, "billing cycle", kForbidden},              // kimi, with `access_terminated_error`
    {insufficient_quota, kSays, "usage limit", kForbidden},  // kimi, zhipu, minimax: the allowance of a plan
    {rate_limited, kSays, "per minute", kPace},
    {rate_limited, kSays, "per min)", kPace},
    {rate_limited, kSays, "(tpm)", kPace},
    {rate_limited, kSays, "(rpm)", kPace},
    {rate_limited, kSays, "速率限制", kPace},  // even if the message also offers a larger plan
    {rate_limited, kSays, "频率", kPace},
    {rate_limited, kSays, "并发", kPace},

    // The account has no credit or exceeded its budget.
    {insufficient_quota, kCode, "insufficient_quota"},  // openai
    {insufficient_quota, kCode, "credit_balance_exhausted"},
    {insufficient_quota, kCode, "organization_spend_limit_exceeded"},
    {insufficient_quota, kCode, "project_spend_limit_exceeded"},
    {insufficient_quota, kCode, "organization_usage_limit_exceeded"},
    {insufficient_quota, kCode, "billing_hard_limit_reached"},
    {insufficient_quota, kCode, "billing_not_active"},
    {insufficient_quota, kCode, "access_terminated"},
    {insufficient_quota, kCode, "enforced_spend_limit_reached"},
    {insufficient_quota, kCode, "usage_limit_reached"},
    {insufficient_quota, kCode, "blocked_api_access"},    // groq: the account's spend limit
    {insufficient_quota, kCode, "insufficient_credits"},  // openrouter
    {insufficient_quota, kCode, "payment_required"},
    {insufficient_quota, kCode, "creditserror"},
    {insufficient_quota, kCode, "insufficient_balance"},
    {insufficient_quota, kCode, "insufficient_balance_error"},    // minimax
    {insufficient_quota, kCode, "exceeded_current_quota_error"},  // kimi
    {insufficient_quota, kCode, "billing_error"},                 // anthropic
    {insufficient_quota, kCode, "billing_disabled"},              // google
    {insufficient_quota, kCode, "arrearage"},                     // dashscope
    {insufficient_quota, kCode, "prepaidbilloverdue"},
    {insufficient_quota, kCode, "postpaidbilloverdue"},
    {insufficient_quota, kCode, "allocationquota.freetieronly"},
    {insufficient_quota, kCode, "commoditynotpurchased"},
    {insufficient_quota, kCode, "insufficient_user_quota"},  // oneapi
    {insufficient_quota, kCode, "pre_consume_token_quota_failed"},
    {insufficient_quota, kCode, "insufficient_token_quota"},
    {insufficient_quota, kCode, "budget_exceeded"},      // litellm
    {insufficient_quota, kCode, "accountoverdueerror"},  // ark
    {insufficient_quota, kCode, "30001"},                // siliconflow
    {insufficient_quota, kCode, "not_enough_balance"},   // novita
    {insufficient_quota, kCode, "billing_balance_not_enough"},
    {insufficient_quota, kCode, "zhipu:1113"},
    {insufficient_quota, kCode, "zhipu:1308"},
    {insufficient_quota, kCode, "zhipu:1309"},
    {insufficient_quota, kCode, "zhipu:1310"},
    {insufficient_quota, kCode, "minimax:1008"},
    {insufficient_quota, kCode, "minimax:2056"},
    {insufficient_quota, kSays, "insufficient balance"},
    {insufficient_quota, kSays, "insufficient credit"},
    {insufficient_quota, kSays, "insufficient funds"},
    {insufficient_quota, kSays, "insufficient quota"},
    {insufficient_quota, kSays, "balance is insufficient"},
    {insufficient_quota, kSays, "balance is too low"},
    {insufficient_quota, kSays, "balance is not enough"},
    {insufficient_quota, kSays, "not enough credit"},
    {insufficient_quota, kSays, "not enough balance"},  // novita
    {insufficient_quota, kSays, "out of credits"},
    {insufficient_quota, kSays, "no credits"},
    {insufficient_quota, kSays, "any credits"},
    {insufficient_quota, kSays, "purchase credits"},
    {insufficient_quota, kSays, "more credits"},          // openrouter: "requires more credits, or fewer max_tokens"
    {insufficient_quota, kSays, "credits are depleted"},  // google
    {insufficient_quota, kSays, "credits exhausted"},
    {insufficient_quota, kSays, "monthly included credits"},  // Hugging Face's router
    {insufficient_quota, kSays, "all available credits"},     // xai
    {insufficient_quota, kSays, "spending limit"},
    {insufficient_quota, kSays, "spend limit"},
    {insufficient_quota, kSays, "key limit exceeded"},        // openrouter
    {insufficient_quota, kSays, "budget has been exceeded"},  // litellm
    {insufficient_quota, kSays, "exceededbudget"},
    {insufficient_quota, kSays, "out of call volume quota"},        // Azure's API Management
    {insufficient_quota, kSays, "payment instrument", kForbidden},  // bedrock, with `AccessDeniedException`
    {insufficient_quota, kSays, "exceededtokenbudget"},             // litellm
    {insufficient_quota, kSays, "quota is not enough"},             // oneapi
    {insufficient_quota, kSays, "enable billing", kForbidden},
    {insufficient_quota, kSays, "good standing", kForbidden},  // dashscope
    {insufficient_quota, kSays, "in arrears", kForbidden},
    {insufficient_quota, kSays, "payment overdue", kForbidden},
    {insufficient_quota, kSays, "please recharge"},
    {insufficient_quota, kSays, "余额不足"},
    {insufficient_quota, kSays, "餘額不足"},
    {insufficient_quota, kSays, "额度不足"},
    {insufficient_quota, kSays, "额度已用"},
    {insufficient_quota, kSays, "额度用尽"},
    {insufficient_quota, kSays, "额度已耗尽"},
    {insufficient_quota, kSays, "欠费"},
    {insufficient_quota, kSays, "充值"},
    {insufficient_quota, kSays, "残高不足"},
    {insufficient_quota, kSays, "残高が不足"},
    {insufficient_quota, kSays, "잔액이 부족"},
    {insufficient_quota, kSays, "едостаточно средств"},

    // The request is too long for the model. Rate limits use some of these words as well.
    {context_length_exceeded, kCode, "context_length_exceeded"},  // openai
    {context_length_exceeded, kCode, "context_window_exceeded"},
    {context_length_exceeded, kCode, "contextwindowexceedederror"},  // litellm
    {context_length_exceeded, kCode, "too_many_prompt_tokens"},
    {context_length_exceeded, kCode, "string_above_max_length"},
    {context_length_exceeded, kCode, "model_max_prompt_tokens_exceeded"},
    {context_length_exceeded, kCode, "exceed_context_size_error"},  // llamacpp
    {context_length_exceeded, kCode, "outofcontexterror"},          // ark
    {context_length_exceeded, kCode, "zhipu:1261"},
    {context_length_exceeded, kSays, "maximum context length", kRefusals},  // openai, vllm, mistral
    {context_length_exceeded, kSays, "model's context length", kRefusals},
    {context_length_exceeded, kSays, "context length exceeded", kRefusals},
    {context_length_exceeded, kSays, "context length of only", kRefusals},  // lmstudio
    {context_length_exceeded, kSays, "greater than the context length", kRefusals},
    {context_length_exceeded, kSays, "context size has been exceeded", kRefusals},
    {context_length_exceeded, kSays, "exceeds the context", kRefusals},  // ollama
    {context_length_exceeded, kSays, "exceed context limit", kRefusals},
    {context_length_exceeded, kSays, "exceeds the available context", kRefusals},  // llamacpp
    {context_length_exceeded, kSays, "too large to process", kRefusals},
    {context_length_exceeded, kSays, "context window", kRefusals},
    {context_length_exceeded, kSays, "contextwindowexceeded", kRefusals},
    {context_length_exceeded, kSays, "maximum model length", kRefusals},  // vllm
    {context_length_exceeded, kSays, "prompt is too long", kRefusals},    // anthropic
    {context_length_exceeded, kSays, "prompt too long", kRefusals},
    {context_length_exceeded, kSays, "prompt exceeds max length", kRefusals},
    {context_length_exceeded, kSays, "maximum prompt length", kRefusals},  // xai
    {context_length_exceeded, kSays, "too many tokens", kRefusals},
    {context_length_exceeded, kSays, "exceeds the maximum number of tokens", kRefusals},  // google
    {context_length_exceeded, kSays, "exceeded model token limit", kRefusals},            // kimi
    {context_length_exceeded, kSays, "reduce the length of the", kRefusals},              // cerebras, vllm
    {context_length_exceeded, kSays, "input is too long", kRefusals},                     // bedrock
    {context_length_exceeded, kSays, "range of input length", kRefusals},                 // dashscope
    {context_length_exceeded, kSays, "input length exceeds", kRefusals},
    {context_length_exceeded, kSays, "`inputs` tokens + `max_new_tokens` must be", kRefusals},  // tgi
    {context_length_exceeded, kSays, "`inputs` must have less than", kRefusals},
    {context_length_exceeded, kSays, "超长", kRefusals},
    {context_length_exceeded, kSays, "上下文长度", kRefusals},
    {context_length_exceeded, kSays, "上下文窗口", kRefusals},
    {context_length_exceeded, kSays, "输入长度", kRefusals},

    // The caller's location is not supported.
    {region_not_supported, kCode, "unsupported_country_region_territory"},  // openai
    {region_not_supported, kCode, "region_not_supported"},
    {region_not_supported, kSays, "country, region, or territory", at(0, 400, 403, 451)},
    {region_not_supported, kSays, "location is not supported", at(0, 400, 403, 451)},  // google
    {region_not_supported, kSays, "not available in your region", at(0, 400, 403, 451)},
    {region_not_supported, kSays, "not available in your country", at(0, 400, 403, 451)},
    {region_not_supported, kSays, "region is not supported", at(0, 400, 403, 451)},
    {region_not_supported, kSays, "region not supported", at(0, 400, 403, 451)},

    // The content was refused by a filter.
    {content_filtered, kCode, "content_filter"},  // azure
    {content_filtered, kCode, "content_filtered"},
    {content_filtered, kCode, "responsibleaipolicyviolation"},
    {content_filtered, kCode, "content_policy_violation"},     // openai
    {content_filtered, kCode, "contentpolicyviolationerror"},  // litellm
    {content_filtered, kCode, "moderation_blocked"},
    {content_filtered, kCode, "data_inspection_failed"},  // dashscope
    {content_filtered, kCode, "datainspectionfailed"},
    {content_filtered, kCode, "inputtextsensitivecontentdetected"},  // ark
    {content_filtered, kCode, "outputtextsensitivecontentdetected"},
    {content_filtered, kCode, "sensitivecontentdetected"},
    {content_filtered, kCode, "sensitive_words_detected"},  // oneapi
    {content_filtered, kCode, "prompt_blocked"},
    {content_filtered, kCode, "zhipu:1300"},
    {content_filtered, kCode, "zhipu:1301"},
    {content_filtered, kCode, "minimax:1026"},
    {content_filtered, kCode, "minimax:1027"},
    {content_filtered, kSays, "content management policy", at(0, 400, 403)},
    {content_filtered, kSays, "moderation", at(0, 400, 403)},  // openrouter
    {content_filtered, kSays, "was flagged", at(0, 400, 403)},
    {content_filtered, kSays, "violates usage guidelines", at(0, 400, 403)},  // xai
    {content_filtered, kSays, "inappropriate content", at(0, 400, 403)},      // dashscope
    {content_filtered, kSays, "considered high risk", at(0, 400, 403)},       // kimi
    {content_filtered, kSays, "敏感", at(0, 400, 403)},
    {content_filtered, kSays, "违规", at(0, 400, 403)},

    // The model does not exist.
    {model_not_found, kCode, "model_not_found"},  // openai
    {model_not_found, kCode, "modelnotfound"},    // dashscope
    {model_not_found, kCode, "model_not_supported"},
    {model_not_found, kCode, "deploymentnotfound"},  // azure
    {model_not_found, kCode, "model_not_available"},
    {model_not_found, kCode, "model_decommissioned"},    // groq
    {model_not_found, kCode, "invalid_model"},           // mistral
    {model_not_found, kCode, "invalidendpointormodel"},  // ark
    {model_not_found, kCode, "modelnotopen"},
    {model_not_found, kCode, "20012"},  // siliconflow
    {model_not_found, kCode, "zhipu:1211"},
    {model_not_found, kSays, "not a valid model", at(0, 400)},   // openrouter
    {model_not_found, kSays, "invalid model name", at(0, 400)},  // litellm
    {model_not_found, kSays, "model not exist", at(0, 400)},
    {model_not_found, kSays, "model not found", at(0, 400)},  // xai
    {model_not_found, kSays, "model does not exist", at(0, 400)},
    {model_not_found, kSays, "model identifier is invalid", at(0, 400)},  // bedrock
    {model_not_found, kSays, "no models loaded", at(0, 400)},             // lmstudio
    {model_not_found, kSays, "invalid model identifier", at(0, 400)},
    {model_not_found, kSays, "no endpoints found", at(0, 404)},  // openrouter
    {model_not_found, kSays, "try pulling it first", at(0)},     // ollama
    {model_not_found, kSays, "模型不存在", at(0, 400, 404)},
    {model_not_found, kSays, "无可用渠道"},  // oneapi, with a 503
    {model_not_found, kSays, "no available channel"},
    {model_not_found, kCode, "not_found_error", at(404)},
    {model_not_found, kCode, "not_found", at(404)},
    {model_not_found, kSays, "model", at(404)},
    {model_not_found, kSays, "deployment", at(404)},

    // The key is missing, invalid or lacks permission.
    {permission_denied, kCode, "access_terminated_error"},  // kimi
    {permission_denied, kCode, "key_model_access_denied"},  // litellm
    {permission_denied, kCode, "team_model_access_denied"},
    {permission_denied, kCode, "model.accessdenied"},  // dashscope
    {permission_denied, kCode, "accessdenied"},
    {permission_denied, kCode, "accessdeniedexception"},    // bedrock
    {permission_denied, kCode, "organization_restricted"},  // groq
    {permission_denied, kCode, "model_terms_required"},
    {permission_denied, kCode, "zhipu:1110"},
    {permission_denied, kCode, "zhipu:1111"},
    {permission_denied, kCode, "zhipu:1112"},
    {permission_denied, kCode, "zhipu:1121"},
    {permission_denied, kCode, "zhipu:1220"},
    {permission_denied, kCode, "zhipu:1311"},
    {permission_denied, kCode, "minimax:2061"},
    {permission_denied, kSays, "无权", at(0, 400, 401, 403)},  // oneapi
    {unauthenticated, kCode, "invalid_api_key"},               // openai
    {unauthenticated, kCode, "api_key_invalid"},               // google
    {unauthenticated, kCode, "invalidapikey"},                 // dashscope
    {unauthenticated, kCode, "authentication_error"},          // anthropic
    {unauthenticated, kCode, "authenticationerror"},           // litellm, ark
    {unauthenticated, kCode, "unauthenticated"},
    {unauthenticated, kCode, "wrong_api_key"},            // cerebras
    {unauthenticated, kCode, "incorrect_api_key_error"},  // kimi
    {unauthenticated, kCode, "invalid_authentication_error"},
    {unauthenticated, kCode, "authorized_error"},       // minimax
    {unauthenticated, kCode, "expired_key"},            // litellm
    {unauthenticated, kCode, "expiredtokenexception"},  // bedrock
    {unauthenticated, kCode, "unrecognizedclientexception"},
    {unauthenticated, kCode, "invalidsignatureexception"},
    {unauthenticated, kCode, "zhipu:1000"},
    {unauthenticated, kCode, "zhipu:1001"},
    {unauthenticated, kCode, "zhipu:1002"},
    {unauthenticated, kCode, "zhipu:1003"},
    {unauthenticated, kCode, "zhipu:1004"},
    {unauthenticated, kCode, "minimax:1004"},
    {unauthenticated, kCode, "minimax:2049"},
    {unauthenticated, kSays, "incorrect api key", at(0, 400)},  // xai
    {unauthenticated, kSays, "api key not valid", at(0, 400)},

    // A rate limit. With a 5xx these codes mean an overloaded server; with a 413 (groq) waiting does not help.
    {rate_limited, kCode, "rate_limit_exceeded", kPace},
    {rate_limited, kCode, "ratelimitexceeded", kPace},  // ark
    {rate_limited, kCode, "rate_limit_error", kPace},
    {rate_limited, kCode, "rate_limit_reached_error", kPace},  // kimi
    {rate_limited, kCode, "ratelimitreached", kPace},          // azure
    {rate_limited, kCode, "ratelimiterror", kPace},            // litellm
    {rate_limited, kCode, "too_many_requests", kPace},
    {rate_limited, kCode, "too_many_requests_error", kPace},  // cerebras
    {rate_limited, kCode, "too_many_tokens_error", kPace},
    {rate_limited, kCode, "token_quota_exceeded", kPace},
    {rate_limited, kCode, "request_quota_exceeded", kPace},
    {rate_limited, kCode, "slow_down", kPace},
    {rate_limited, kCode, "rate_limited", kPace},
    {rate_limited, kCode, "resource_exhausted", kPace},  // google
    {rate_limited, kCode, "quota_exceeded", kPace},
    {rate_limited, kCode, "quotaexceeded", kPace},
    {rate_limited, kCode, "throttling", kPace},           // dashscope
    {rate_limited, kCode, "throttlingexception", kPace},  // bedrock
    {rate_limited, kCode, "servicequotaexceededexception", kPace},
    {rate_limited, kCode, "limit_requests", kPace},  // dashscope
    {rate_limited, kCode, "limit_burst_rate", kPace},
    {rate_limited, kCode, "zhipu:1302", kPace},
    {rate_limited, kCode, "zhipu:1303", kPace},
    {rate_limited, kCode, "zhipu:1304", kPace},
    {rate_limited, kCode, "zhipu:1305", kPace},
    {rate_limited, kCode, "zhipu:1312", kPace},
    {rate_limited, kCode, "zhipu:1313", kPace},
    {rate_limited, kCode, "minimax:1002", kPace},
    {rate_limited, kCode, "minimax:1039", kPace},
    {rate_limited, kCode, "minimax:1041", kPace},
    {insufficient_quota, kSays, "exceeded your current quota",
     at(0, 401, 403, 429)},  // openai, if a relay dropped the code

    // The server is overloaded or broken, although the status blames the request.
    {server_failed, kSays, "model has crashed", kFlattened},  // lmstudio
    {server_failed, kSays, "model unloaded", kFlattened},
    {server_failed, kSays, "model is unloaded", kFlattened},
    {server_failed, kSays, "model reloaded", kFlattened},
    {server_failed, kSays, "failed to load model", kFlattened},
    {server_failed, kCode, "serviceunavailableexception", kFlattened},  // bedrock
    {server_failed, kCode, "internalserverexception", kFlattened},
    {server_failed, kCode, "modelnotreadyexception", kFlattened},
    {server_failed, kCode, "modelerrorexception", kFlattened},
    {server_failed, kCode, "serviceunavailableerror", kFlattened},  // litellm
    {server_failed, kCode, "internalservererror", kFlattened},
    {server_failed, kCode, "overloaded_error", kFlattened},         // anthropic
    {server_failed, kCode, "engine_overloaded_error", kFlattened},  // kimi
    {server_failed, kCode, "unavailable_error", kFlattened},        // llamacpp: the model is being loaded
    {server_failed, kCode, "zhipu:1120"},
    {server_failed, kCode, "zhipu:1230"},
    {server_failed, kCode, "zhipu:1234"},

    // The request itself breaks the server, and would break another one.
    {invalid_request, kCode, "invalid_request_error", at(500)},
    {invalid_request, kCode, "bad_request_error", at(500)},
    {invalid_request, kCode, "badrequesterror", at(500)},
    {invalid_request, kCode, "validationexception", at(500)},
    {invalid_request, kCode, "invalid_argument", at(500)},

    // Rows for errors without a status.
    {timed_out, kCode, "timeout_error", kSilent},  // anthropic
    {timed_out, kCode, "timeout", kSilent},
    {timed_out, kCode, "request_timeout", kSilent},
    {timed_out, kCode, "deadline_exceeded", kSilent},  // google
    {timed_out, kCode, "modeltimeoutexception", kSilent},
    {timed_out, kCode, "minimax:1001", kSilent},
    {permission_denied, kCode, "permission_error", kSilent},
    {permission_denied, kCode, "permission_denied", kSilent},
    {request_too_large, kCode, "request_too_large", kSilent},
    {model_not_found, kCode, "not_found_error", kSilent},
    {model_not_found, kCode, "not_found", kSilent},
    {model_not_found, kCode, "resourcenotfoundexception", at(0, 400)},
    {conflict, kCode, "conflict_error", kSilent},
    {invalid_request, kCode, "invalid_request_error", kSilent},
    {invalid_request, kCode, "unsupported_value", kSilent},
    {invalid_request, kCode, "unsupported_parameter", kSilent},
    {invalid_request, kCode, "invalid_value", kSilent},
    {invalid_request, kCode, "invalid_argument", kSilent},
    {invalid_request, kCode, "failed_precondition", kSilent},
    {invalid_request, kCode, "tool_use_failed", kSilent},
    {invalid_request, kCode, "json_validate_failed", kSilent},
    {invalid_request, kCode, "bad_request", kSilent},
    {invalid_request, kCode, "bad_request_error", kSilent},
    {invalid_request, kCode, "badrequesterror", kSilent},
    {invalid_request, kCode, "invalid_parameter_error", kSilent},
    {invalid_request, kCode, "invalidparameter", kSilent},
    {invalid_request, kCode, "validationexception", kSilent},
    {invalid_request, kCode, "validation", kSilent},  // tgi
    {invalid_request, kCode, "template_error", kSilent},
    {invalid_request, kCode, "missing_template_variable", kSilent},
    {invalid_request, kCode, "tool_error", kSilent},
    {invalid_request, kCode, "not_supported_error", kSilent},  // llamacpp
    {invalid_request, kCode, "minimax:2013", kSilent},
    {invalid_request, kCode, "zhipu:1210", kSilent},
    {invalid_request, kCode, "zhipu:1212", kSilent},
    {invalid_request, kCode, "zhipu:1213", kSilent},
    {invalid_request, kCode, "zhipu:1214", kSilent},
    {invalid_request, kCode, "zhipu:1215", kSilent},
    {invalid_request, kCode, "zhipu:1221", kSilent},
    {invalid_request, kCode, "zhipu:1222", kSilent},
    {rate_limited, kSays, "rate limit", kSilent},
    {rate_limited, kSays, "too many requests", kSilent},
    {rate_limited, kSays, "请求过于频繁", kSilent},
    {unauthenticated, kSays, "invalid api key", kSilent},
    {unauthenticated, kSays, "unauthorized", kSilent},
    {timed_out, kSays, "timed out", kSilent},
};

}  // namespace

std::span<const ErrorWord> error_words() { return kErrorWords; }

}  // namespace holysheep::wire
