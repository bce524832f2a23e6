using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

internal static class UnreachableRules
{
    public static void Validate(UnreachableStrategy strategy, bool isResident, string path, ErrorCollector errors)
    {
        if (strategy.Disabled)
        {
            return;
        }
        errors.Require(!isResident, path, "unreachableStrategy must be disabled for resident tasks");
        errors.Require(strategy.InactiveAfterSeconds <= strategy.ExpungeAfterSeconds, path,
            $"inactiveAfterSeconds ({strategy.InactiveAfterSeconds}) must be less or equal to expungeAfterSeconds, "
            + $"which is {strategy.ExpungeAfterSeconds}");
    }
}
