namespace Pacer.Edge.Balancing.Labels;

/// <summary>Marathon-LB's labels whose value is configuration text of HAProxy.</summary>
internal static class HaproxyTemplates
{
    /// <summary>Directives in them that have a meaning here are translated.</summary>
    public static readonly IReadOnlySet<string> Sections = new HashSet<string>(StringComparer.Ordinal)
    {
        "FRONTEND_HEAD", "BACKEND_HEAD", "FRONTEND_BACKEND_GLUE", "USERLIST_HEAD", "BACKEND_HTTP_OPTIONS", "BACKEND_HSTS_OPTIONS", "BACKEND_STICKY_OPTIONS",
    };

    public const string ServerOptions = "BACKEND_SERVER_OPTIONS";

    /// <summary>Whether an instance is healthy is decided by the checks of its app.</summary>
    public static readonly IReadOnlySet<string> Health = new HashSet<string>(StringComparer.Ordinal)
    {
        "BACKEND_HTTP_HEALTHCHECK_OPTIONS", "BACKEND_TCP_HEALTHCHECK_OPTIONS", "BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS", "BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS",
    };

    /// <summary>Text that builds rules: there is no text to build here.</summary>
    public static readonly IReadOnlySet<string> Rules = new HashSet<string>(StringComparer.Ordinal)
    {
        "BACKEND_REDIRECT_HTTP_TO_HTTPS", "BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH", "HTTP_BACKEND_PROXYPASS_GLUE", "HTTP_BACKEND_REVPROXY_GLUE",
        "HTTP_BACKEND_NETWORK_ALLOWED_ACL", "TCP_BACKEND_NETWORK_ALLOWED_ACL",
        "HTTP_FRONTEND_ACL", "HTTP_FRONTEND_ACL_ONLY", "HTTP_FRONTEND_ACL_WITH_PATH", "HTTP_FRONTEND_ACL_WITH_AUTH", "HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH",
        "HTTP_FRONTEND_ACL_ONLY_WITH_PATH", "HTTP_FRONTEND_ACL_ONLY_WITH_PATH_AND_AUTH", "HTTP_FRONTEND_ROUTING_ONLY", "HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH",
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH", "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH", "HTTP_FRONTEND_APPID_ACL",
        "MAP_HTTP_FRONTEND_ACL", "MAP_HTTP_FRONTEND_ACL_ONLY", "MAP_HTTP_FRONTEND_APPID_ACL",
        "HTTPS_FRONTEND_ACL", "HTTPS_FRONTEND_ACL_WITH_PATH", "HTTPS_FRONTEND_ACL_WITH_AUTH", "HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH",
        "HTTPS_FRONTEND_ACL_ONLY_WITH_PATH", "MAP_HTTPS_FRONTEND_ACL",
    };

    /// <summary>Marathon-LB takes these from its own environment or files only; as labels they never did anything.</summary>
    public static readonly IReadOnlySet<string> Global = new HashSet<string>(StringComparer.Ordinal)
    {
        "HEAD", "HTTP_FRONTEND_HEAD", "HTTP_FRONTEND_APPID_HEAD", "HTTPS_FRONTEND_HEAD", "HTTPS_GROUPED_FRONTEND_HEAD", "HTTPS_GROUPED_VHOST_FRONTEND_HEAD",
        "HTTPS_GROUPED_VHOST_BACKEND_HEAD", "HTTPS_GROUPED_VHOST_FRONTEND_ACL", "HTTP_BACKEND_ACL_ALLOW_DENY", "TCP_BACKEND_ACL_ALLOW_DENY",
    };
}
