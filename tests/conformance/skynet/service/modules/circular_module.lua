return require "circular_module"
