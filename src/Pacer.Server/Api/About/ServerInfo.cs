using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Pacer.Core.Cluster;
using Pacer.Server.Hosting;

namespace Pacer.Server.Api.About;

/// <summary>
/// <c>/v2/info</c>: every key that Marathon has, so that tools which look for one find it; null where Pacer has no such setting.
/// </summary>
internal static class ServerInfo
{
    private static readonly string[] ZooKeeperKeys =
    [
        "zk", "zk_compression", "zk_compression_threshold", "zk_connection_timeout", "zk_max_node_size", "zk_max_versions",
        "zk_session_timeout", "zk_timeout",
    ];

    private static readonly string[] MarathonKeys =
    [
        "access_control_allow_origin", "checkpoint", "decline_offer_duration", "default_network_name", "env_vars_prefix", "executor",
        "failover_timeout", "features", "framework_name", "ha", "hostname", "launch_token", "launch_token_refresh_interval",
        "leader_proxy_connection_timeout_ms", "leader_proxy_read_timeout_ms", "local_port_max", "local_port_min", "maintenance_mode",
        "master", "max_instances_per_offer", "mesos_bridge_name", "mesos_heartbeat_failure_threshold", "mesos_heartbeat_interval",
        "mesos_leader_ui_url", "mesos_role", "mesos_user", "min_revive_offers_interval", "new_group_enforce_role",
        "offer_matching_timeout", "on_elected_prepare_timeout", "reconciliation_initial_delay", "reconciliation_interval",
        "scale_apps_initial_delay", "scale_apps_interval", "store_cache", "task_launch_confirm_timeout", "task_launch_timeout",
        "task_lost_expunge_initial_delay", "task_lost_expunge_interval", "task_reservation_timeout", "webui_url",
    ];

    public static ReadOnlyMemory<byte> Render(ServerIdentity identity)
    {
        var settings = new ClusterSettings();
        var colon = identity.Leader.LastIndexOf(':');
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("name"u8, "pacer");
            json.WriteString("version"u8, ServerIdentity.Version);
            json.WriteNull("buildref"u8);
            json.WriteBoolean("elected"u8, true);
            json.WriteString("leader"u8, identity.Leader);
            json.WriteString("frameworkId"u8, identity.ClusterId);

            json.WriteStartObject("marathon_config"u8);
            foreach (var key in MarathonKeys)
            {
                json.WritePropertyName(key);
                switch (key)
                {
                    case "access_control_allow_origin":
                        WriteOrigins(json, identity.Options.AllowOrigins);
                        break;
                    case "checkpoint":
                        json.WriteBooleanValue(true);
                        break;
                    case "executor":
                        json.WriteStringValue("//cmd");
                        break;
                    case "features":
                        json.WriteStartArray();
                        json.WriteEndArray();
                        break;
                    case "framework_name":
                        json.WriteStringValue("pacer");
                        break;
                    case "ha":
                        json.WriteBooleanValue(false);
                        break;
                    case "hostname":
                        json.WriteStringValue(identity.Leader[..colon]);
                        break;
                    case "local_port_min":
                        json.WriteNumberValue(settings.ServicePortMin);
                        break;
                    case "local_port_max":
                        json.WriteNumberValue(settings.ServicePortMax);
                        break;
                    case "mesos_role":
                        json.WriteStringValue("*");
                        break;
                    case "new_group_enforce_role":
                        json.WriteStringValue(identity.Options.NewGroupEnforceRole ? "top" : "off");
                        break;
                    case "task_launch_confirm_timeout":
                        json.WriteNumberValue((long)settings.LaunchConfirmTimeout.TotalMilliseconds);
                        break;
                    case "task_launch_timeout":
                        json.WriteNumberValue((long)settings.LaunchTimeout.TotalMilliseconds);
                        break;
                    default:
                        json.WriteNullValue();
                        break;
                }
            }
            json.WriteEndObject();

            json.WriteStartObject("zookeeper_config"u8);
            foreach (var key in ZooKeeperKeys)
            {
                json.WriteNull(key);
            }
            json.WriteEndObject();

            json.WriteStartObject("http_config"u8);
            json.WriteNumber("http_port"u8, int.Parse(identity.Leader.AsSpan(colon + 1), CultureInfo.InvariantCulture));
            json.WriteNull("https_port"u8);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }

    private static void WriteOrigins(Utf8JsonWriter json, IReadOnlyList<string> origins)
    {
        if (origins.Count == 0)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartArray();
        foreach (var origin in origins)
        {
            json.WriteStringValue(origin);
        }
        json.WriteEndArray();
    }
}
