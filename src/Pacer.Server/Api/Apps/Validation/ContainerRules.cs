using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>marathon-model.md §3.</summary>
internal static class ContainerRules
{
    public static void Validate(App app, AppRules rules, ErrorCollector errors)
    {
        if (app.Container is not { } container)
        {
            return;
        }
        var docker = container.Docker;
        if (container.Type == "DOCKER" && docker is null)
        {
            errors.Add("/container/docker", "not defined");
        }
        if (docker is not null)
        {
            errors.Require(!string.IsNullOrWhiteSpace(docker.Image), "/container/docker/image", "must not be empty");
            if (docker.PullConfig is { } pull)
            {
                AppValidator.RequireFeature(rules, AppRules.Secrets, "/container/docker/pullConfig", errors);
                errors.Require(container.Type != "DOCKER", "/container/docker/pullConfig",
                    "pullConfig is not supported with Docker containerizer");
                errors.Require(app.Secrets?.ContainsKey(pull.Secret!) == true, "/container/docker/pullConfig",
                    "pullConfig.secret must refer to an existing secret");
            }
        }
        LinuxRules.Validate(container.LinuxInfo, "/container/linuxInfo", errors);
    }
}
