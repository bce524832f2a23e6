using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>A limit is at least what was requested, or unlimited.</summary>
internal static class LimitRules
{
    public static void Validate(ResourceLimits? limits, double cpus, double mem, string path, ErrorCollector errors)
    {
        Limit(limits?.Cpus, cpus, $"{path}/cpus");
        Limit(limits?.Mem, mem, $"{path}/mem");

        void Limit(ResourceLimit? limit, double requested, string place)
        {
            if (limit?.InvalidWord is { } word)
            {
                errors.Add(place, $"'{word}' is an invalid resource limit. It must be 'unlimited' or a number");
            }
            else if (limit?.Amount < requested)
            {
                errors.Add(place, FormattableString.Invariant(
                    $"resource limit must be greater than or equal to requested resource ({requested})"));
            }
        }
    }
}
